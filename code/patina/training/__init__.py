"""Training: the loop, one module per kind of task, optimiser steps and learning-rate schedules."""

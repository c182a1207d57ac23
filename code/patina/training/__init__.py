"""Training: the loop, a file for every kind of task, optimiser steps and learning-rate schedules."""

"""Reading the degradation off photographs: measures of one photo, and parameters matched to them by synthesis."""

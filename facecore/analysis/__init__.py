"""The pipeline: from a photo's bytes to faces with gender and age group."""

"""SQL of bulk jobs: the jobs themselves, and the record as it was at one moment."""

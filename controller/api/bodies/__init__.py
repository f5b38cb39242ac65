"""What the API answers where no view of the service says it: models with meanings and units, for its document."""

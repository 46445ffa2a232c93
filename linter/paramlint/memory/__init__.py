"""Working memory and flash of the deployed network."""

"""The engines Vigil is measured against, each doing the same job with durable state."""

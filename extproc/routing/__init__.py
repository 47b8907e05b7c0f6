"""Intent, policy and registry -> the model that gets the request."""

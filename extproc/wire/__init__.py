"""Between Envoy and an exchange: the messages of ext_proc and of the access log, and the one loop that serves them."""

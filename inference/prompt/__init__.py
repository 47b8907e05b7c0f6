"""Messages to tokens: what a chat template takes, and how messages are put so that it takes them."""

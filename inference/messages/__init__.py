"""/v1/messages: Anthropic's API, put as a chat of OpenAI's and answered in blocks."""

"""/v1/responses: OpenAI's newer API, without its memory: nothing is stored, each request brings all of its conversation."""

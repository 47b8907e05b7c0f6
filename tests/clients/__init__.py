"""What clients that people use make of our servers: run by `make clients`, which writes the table of docs/inference.md."""

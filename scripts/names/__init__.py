"""What trains the name model: word lists, sentence grammars, data, network, export. Nothing here runs at serving time."""

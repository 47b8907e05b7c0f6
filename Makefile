# Two commands do everything on a fresh machine: `make up` and `make test`.

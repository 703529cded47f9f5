"""Citizens' tasks as `tasks` tells of them."""

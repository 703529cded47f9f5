"""What arrived, to be seen by whoever plays with the simulator: mailboxes, letters as they look, their statuses."""

from simulators.post_gateway.mailbox.routes import mailbox_routes

__all__ = ["mailbox_routes"]

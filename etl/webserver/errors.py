"""What goes wrong between a transform's server and those whom it exchanges objects with."""

from __future__ import annotations


class InvalidPipeline(Exception):
    """The list of the stages that follow cannot be read."""


class SourceRefused(Exception):
    """The node does not give the object."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Target request failed with status {status}")
        self.status = status


class SourceUnreachable(Exception):
    """The node cannot be asked for the object, or its answer broke off."""


class DeliveryFailed(Exception):
    """The result was not taken by the next stage or the node; trying again may not help."""


class DeliveryInterrupted(DeliveryFailed):
    """The connection was lost before an answer: the same result may arrive when it is sent again."""


class SourceSpent(DeliveryFailed):
    """The connection was lost, and the object came in a body that is read already: only its sender can try again."""

"""What no waiting helps: Kafka denies the worker's principal something it can't work without.

Everything else a client meets (a broker away, a coordinator moving, a lost transaction) passes, and
ends no worker. A missing ACL stays missing until a person adds it: the worker ends with exit code 3
and says which, instead of trying for ever.
"""

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

DENIED = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

"""Many machines, by Dask: a diffusion operator whose rows live on workers, and a map over many measurements.

Every piece of work is a task that can be done again from its source, and sums are taken in a fixed order, so a worker
that dies changes neither a value nor its error. Tasks are named ``diffspec-...`` on the dashboard of Dask. Needs the
extra ``cluster``.
"""

from diffspec.cluster.many import Failure, measure_many
from diffspec.cluster.operator import Distributed, on_cluster
from diffspec.cluster.session import ClusterError, LostWorkError, Session
from diffspec.cluster.walk import dse

__all__ = ["ClusterError", "Distributed", "Failure", "LostWorkError", "Session", "dse", "measure_many", "on_cluster"]

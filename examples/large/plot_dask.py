"""
On a Dask cluster
=================

Rows live on the workers, and a worker that dies changes nothing. Here the cluster is two threads of this process; the
same lines run on many machines.
"""

from functools import partial

import numpy as np
from dask import array
from distributed import Client, LocalCluster
from matplotlib import pyplot as plt

from diffspec import Gaussian, cluster, dse

rng = np.random.default_rng(0)
epochs = [rng.normal(size=(300, 16)) + k * np.eye(16)[rng.integers(16, size=300)] for k in range(6)]

# %%
# One large set of points, then many small ones. Both give what one machine gives.
with (
    LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as local,
    Client(local) as client,
):
    one = cluster.dse(array.from_array(np.concatenate(epochs)), client=client, kernel=Gaussian(4.0), t=1.0)
    many = list(cluster.measure_many(client, epochs, partial(dse, t=2.0)))
print(one)

# %%
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
axis.plot([found.normalized for found in many], "o-")
axis.set(xlabel="distance of 16 clusters", ylabel="DSE / log2 n", title="Six embeddings, measured in parallel")

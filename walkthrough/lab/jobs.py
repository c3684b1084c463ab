"""Call a function of the lab for many jobs: here, or by any executor like those of the library.

A worker of an executor may be a process elsewhere, which has nothing of ours on its path. So what
is submitted is not the function but the file `worker.py`, by its path; it finds the rest.
"""

import pickle
import runpy
from concurrent.futures import as_completed
from pathlib import Path

WORKER = Path(__file__).resolve().with_name("worker.py")


def run(function, jobs, executor=None):
    """Call function(*job) for each job, and yield what it returns as soon as it is there.

    Parameters
    ----------
    function : function
        Of a file in this folder.
    jobs : list of tuple
    executor : concurrent.futures.Executor, optional
        Where they run: a process pool, or what dask.distributed, loky and mpi4py.futures offer. Its
        workers must see the same folders. Left out, the jobs run here, one by one.

    Yields
    ------
    place : int
        Of the job in the list.
    result : object
    """
    if executor is None:
        for place, job in enumerate(jobs):
            yield place, function(*job)
        return
    places = {
        executor.submit(runpy.run_path, str(WORKER), {"job": pickle.dumps((function, job))}): place
        for place, job in enumerate(jobs)
    }
    for future in as_completed(places):
        yield places[future], future.result()["result"]

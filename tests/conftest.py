"""What must happen before the first test, in every process that runs tests.

asn1crypto remembers the names of object identifiers when it first needs one, and pyHanko adds names of its own when it
is imported: so it is imported first, or the order of the tests would decide what can be encoded.
"""

import gc

from pyhanko.sign import signers

__all__ = ["signers"]

_OBJECTS_BEFORE_A_COLLECTION = 20_000


def pytest_collection_finish() -> None:
    """Leave modules and collected tests out of garbage collections, and collect less often.

    A fifth of a run's processor time went there.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_A_COLLECTION, 20, 20)

"""What must happen before the first test, in every process that runs tests.

asn1crypto remembers the names of object identifiers when it first needs one, and pyHanko adds names of its own when it
is imported: so it is imported first, or the order of the tests would decide what can be encoded.
"""

from pyhanko.sign import signers

__all__ = ["signers"]

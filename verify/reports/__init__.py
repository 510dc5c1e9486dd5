"""The report as files for others: ETSI TS 119 102-2 XML for machines and auditors, PDF for people.

A report is made from what the verifier found and from nothing else; no clock is read, so equal input gives equal
octets.
"""

"""Recognise one id under the spellings that ontologies give it."""

import re
from functools import lru_cache

_VERSIONED = re.compile(r"^(SNOMEDCT)_US_\d{4}_\d\d_\d\d$")


def normal_id(identifier: str) -> str:
    """Return a spelling of an id that is the same for everyone who means the same.

    >>> normal_id("http://id.nlm.nih.gov/mesh/D005334"), normal_id("MSH:D005334")
    ('MESH:D005334', 'MESH:D005334')
    >>> normal_id("UMLS_CUI:C0015967"), normal_id("SNOMEDCT_US_2016_03_01:386661006")
    ('UMLS:C0015967', 'SNOMEDCT:386661006')
    """
    prefix, colon, local = identifier.partition(":")
    if local.startswith("//"):
        return next(
            (
                f"{prefix}:{identifier[len(base) :]}"
                for base, prefix in _BASES.items()
                if identifier.startswith(base)
            ),
            identifier,
        )
    return f"{_normal_prefix(prefix)}:{local}" if colon else identifier


@lru_cache(maxsize=1 << 10)
def _normal_prefix(prefix: str) -> str:
    known = _VERSIONED.sub(r"\1", prefix.upper())
    return _SPELLINGS.get(known, known)


#: Where the owners of well-known vocabularies publish their terms, and the prefix of the CURIEs.
_BASES = {
    "http://id.nlm.nih.gov/mesh/": "MESH",
    "http://purl.bioontology.org/ontology/MESH/": "MESH",
    "http://linkedlifedata.com/resource/umls/id/": "UMLS",
    "http://purl.bioontology.org/ontology/UMLS/": "UMLS",
    "http://snomed.info/id/": "SNOMEDCT",
    "http://snomed.info/sct/": "SNOMEDCT",
    "http://www.orpha.net/ORDO/Orphanet_": "ORPHA",
    "https://omim.org/entry/": "OMIM",
    "http://identifiers.org/omim/": "OMIM",
    "http://www.ebi.ac.uk/efo/EFO_": "EFO",
    "http://www.wikidata.org/entity/": "WIKIDATA",
    "http://id.who.int/icd/entity/": "ICD11",
}
#: Prefixes that mean another one.
_SPELLINGS = {
    "MSH": "MESH",
    "UMLS_CUI": "UMLS",
    "NCI": "NCIT",
    "ORDO": "ORPHA",
    "ORPHANET": "ORPHA",
    "MIM": "OMIM",
    "SNOMEDCT_US": "SNOMEDCT",
    "SCTID": "SNOMEDCT",
    "SNOMED": "SNOMEDCT",
    "ICD-10": "ICD10",
    "WD": "WIKIDATA",
}

"""Words of medicine that mean nearly the same; other fields hardly hold them."""


def organ(word: str) -> str:
    """Return the organ that an adjective speaks of.

    >>> organ("renal"), organ("hepatic"), organ("legal")
    ('kidney', 'liver', 'legal')
    """
    return _ORGANS.get(word, word)


def condition(word: str) -> str:
    """Return the condition that an adjective ascribes.

    >>> [condition(word) for word in ("hypertensive", "diabetic", "ischemic", "chronic")]
    ['hypertension', 'diabetes', 'ischemia', 'chronic']
    """
    if word in _CONDITIONS:
        return _CONDITIONS[word]
    if not word.endswith(("ic", "ive")) or word in _NO_CONDITIONS:
        return word
    for ending, replacement in _CONDITION_ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: len(word) - len(ending)] + replacement
    return word


def growth(word: str) -> str:
    """Return "neoplasm" for the words of everyday speech.

    >>> growth("cancer"), growth("tumors"), growth("carcinoma")
    ('neoplasm', 'neoplasms', 'carcinoma')
    """
    return _GROWTHS.get(word, word)


def disorder(word: str) -> str:
    """Return "disease" for the words that say only that something is wrong.

    >>> disorder("abnormality"), disorder("malformation"), disorder("fracture")
    ('disease', 'disease', 'fracture')
    """
    return _DISORDERS.get(word, word)


_ORGANS = {
    "adrenal": "adrenal",
    "arterial": "artery",
    "bronchial": "bronchus",
    "cardiac": "heart",
    "cerebral": "brain",
    "colonic": "colon",
    "corneal": "cornea",
    "cutaneous": "skin",
    "dental": "tooth",
    "dermal": "skin",
    "dermatologic": "skin",
    "duodenal": "duodenum",
    "esophageal": "esophagus",
    "facial": "face",
    "femoral": "femur",
    "gastric": "stomach",
    "gingival": "gingiva",
    "hepatic": "liver",
    "ileal": "ileum",
    "intestinal": "intestine",
    "bowel": "intestine",
    "lacrimal": "lacrimal",
    "laryngeal": "larynx",
    "mandibular": "mandible",
    "maxillary": "maxilla",
    "muscular": "muscle",
    "nasal": "nose",
    "neural": "nerve",
    "ocular": "eye",
    "oral": "mouth",
    "ovarian": "ovary",
    "pancreatic": "pancreas",
    "patellar": "patella",
    "penile": "penis",
    "pharyngeal": "pharynx",
    "pituitary": "pituitary",
    "prostatic": "prostate",
    "pulmonary": "lung",
    "rectal": "rectum",
    "renal": "kidney",
    "retinal": "retina",
    "scrotal": "scrotum",
    "splenic": "spleen",
    "testicular": "testis",
    "testicle": "testis",
    "thymic": "thymus",
    "tibial": "tibia",
    "tracheal": "trachea",
    "ureteral": "ureter",
    "ureteric": "ureter",
    "urethral": "urethra",
    "uterine": "uterus",
    "vaginal": "vagina",
    "valvular": "valve",
    "venous": "vein",
    "vertebral": "vertebra",
    "vulvar": "vulva",
}

_CONDITIONS = {
    "allergic": "allergy",
    "asthmatic": "asthma",
    "cancerous": "cancer",
    "deficient": "deficiency",
    "diabetic": "diabetes",
    "edematous": "edema",
    "epileptic": "epilepsy",
    "manic": "mania",
    "obese": "obesity",
    "parkinsonian": "parkinsonism",
    "septic": "sepsis",
    "spastic": "spasticity",
}
_CONDITION_ENDINGS = (
    ("tensive", "tension"),
    ("emic", "emia"),
    ("otic", "osis"),
    ("plegic", "plegia"),
    ("pathic", "pathy"),
    ("trophic", "trophy"),
    ("plastic", "plasia"),
    ("toxic", "toxicity"),
    ("rrhagic", "rrhage"),
    ("axic", "axia"),
    ("exic", "exia"),
    ("algic", "algia"),
    ("tonic", "tonia"),
    ("itic", "itis"),
    ("rrheic", "rrhea"),
    ("phobic", "phobia"),
    ("uric", "uria"),
    ("penic", "penia"),
    ("phrenic", "phrenia"),
    ("phasic", "phasia"),
    ("cephalic", "cephaly"),
)
#: Medicines and kinds, not conditions.
_NO_CONDITIONS = frozenset(
    ("narcotic", "hypnotic", "antibiotic", "academic", "systemic", "biphasic")
)

_GROWTHS = {
    "cancer": "neoplasm",
    "cancers": "neoplasms",
    "malignancy": "neoplasm",
    "malignancies": "neoplasms",
    "tumor": "neoplasm",
    "tumors": "neoplasms",
}

_DISORDERS = dict.fromkeys(
    (
        "abnormality",
        "abnormalities",
        "anomaly",
        "anomalies",
        "defect",
        "defects",
        "malformation",
        "malformations",
    ),
    "disease",
)

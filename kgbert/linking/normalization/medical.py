"""Word lists of medicine: words that mean nearly the same in medical texts."""


def adjective_to_organ(word: str) -> str:
    """Return the organ to which an adjective refers.

    >>> adjective_to_organ("renal"), adjective_to_organ("hepatic"), adjective_to_organ("legal")
    ('kidney', 'liver', 'legal')
    """
    return _ORGANS.get(word, word)


def adjective_to_condition(word: str) -> str:
    """Return the condition to which an adjective refers.

    >>> [adjective_to_condition(word) for word in ("hypertensive", "ischemic", "chronic")]
    ['hypertension', 'ischemia', 'chronic']
    """
    if word in _CONDITIONS:
        return _CONDITIONS[word]
    if not word.endswith(("ic", "ive")) or word in _NO_CONDITIONS:
        return word
    for ending, replacement in _CONDITION_ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: len(word) - len(ending)] + replacement
    return word


def to_neoplasm(word: str) -> str:
    """Return "neoplasm" for its synonyms in everyday language.

    >>> to_neoplasm("cancer"), to_neoplasm("tumors"), to_neoplasm("carcinoma")
    ('neoplasm', 'neoplasms', 'carcinoma')
    """
    return _NEOPLASMS.get(word, word)


def to_disease(word: str) -> str:
    """Return "disease" for the words that state only that something is abnormal.

    >>> to_disease("abnormality"), to_disease("malformation"), to_disease("fracture")
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
#: Adjectives of medicines and kinds, which name no condition.
_NO_CONDITIONS = frozenset(
    ("narcotic", "hypnotic", "antibiotic", "academic", "systemic", "biphasic")
)

_NEOPLASMS = {
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

"""How often the answers are right, on photos whose truth somebody wrote down.

Nothing here runs a network: photos that were analysed already go in, so that
only the counting is done again when a threshold moves.
"""

from facecore.evaluation.accuracy import (
    HOW_AGES,
    HOW_PERSON,
    AttributeReport,
    confusion_age,
    confusion_gender,
    evaluate_attributes,
    labelled_face,
    nearest_age_group,
)
from facecore.evaluation.curves import (
    MATCH_IOU,
    PrCurve,
    PrPoint,
    ScoredPhoto,
    average_precision,
    match_detections,
    precision_recall_curve,
)
from facecore.evaluation.detection import (
    AVERAGE_PRECISION_IOUS,
    HOW_AVERAGED,
    HOW_MATCHED,
    DetectionReport,
    evaluate_detection,
)
from facecore.evaluation.times import TimeReport, evaluate_times

HOW_INTERVALS = (
    "Intervals are 95 %: Wilson's for shares, as if every face were independent; a bootstrap "
    "over photos for F1, average precision and means; order statistics for percentiles."
)

__all__ = [
    "AVERAGE_PRECISION_IOUS",
    "HOW_AGES",
    "HOW_AVERAGED",
    "HOW_INTERVALS",
    "HOW_MATCHED",
    "HOW_PERSON",
    "MATCH_IOU",
    "AttributeReport",
    "DetectionReport",
    "PrCurve",
    "PrPoint",
    "ScoredPhoto",
    "TimeReport",
    "average_precision",
    "confusion_age",
    "confusion_gender",
    "evaluate_attributes",
    "evaluate_detection",
    "evaluate_times",
    "labelled_face",
    "match_detections",
    "nearest_age_group",
    "precision_recall_curve",
]

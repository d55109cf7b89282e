"""The JSON that a photo is answered with."""

from __future__ import annotations

from typing import Any

from facecore.export import analysis_to_dict
from facecore.results import Analysis, Face


def prediction_to_dict(analysis: Analysis, output_image: str, waited_ms: float) -> dict[str, Any]:
    """Return an analysis as the HTTP API answers it.

    Args:
        analysis: the answer for one photo.
        output_image: where the photo with its faces drawn can be fetched.
        waited_ms: how long the run waited for its turn.
    """
    described = analysis_to_dict("", analysis)
    used = described["resources"]
    return {
        "results": [_result(face) for face in analysis.faces],
        "output_image": output_image,
        "resource_usage": {
            "cpu_percent": used["cpu_percent"],
            "memory_mb": used["rss_mb"],
            "timestamp": used["timestamp"],
        },
        "image_size": list(analysis.size_wh),
        "timings_ms": described["timings_ms"],
        "waited_ms": round(waited_ms, 3),
    }


def _result(face: Face) -> dict[str, Any]:
    return {
        "bbox": list(face.box.xyxy),
        "gender": face.gender.label,
        "age": face.age_group.label,
        "confidence": round(face.confidence, 4),
    }

"""What `odyssey doctor` finds: facts in, findings out. Pure: nothing here looks at anything itself.

A fact that could not be found out is None, and a finding says so.
"""

from odyssey_asv.diagnoses.diagnosis import Diagnosis, Level, Topic, unknown, worst

__all__ = ["Diagnosis", "Level", "Topic", "unknown", "worst"]

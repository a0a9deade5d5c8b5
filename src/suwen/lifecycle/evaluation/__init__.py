"""The statistics and the report behind ``suwen evaluate``: arrays in, an honest :class:`Report` out.

Serving uses ``calibration`` and ``conformal`` of this package; both need numpy alone.
"""

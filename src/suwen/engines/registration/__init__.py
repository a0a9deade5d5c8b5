"""Image guidance: where the patient lies in the image, and how far from it an instrument may be shown.

Paired points, surfaces and images are brought together by rigid moves, from *moving* coordinates (a tracker's, a
second image's) to *fixed* ones (the planning image's, LPS mm). What comes back says its own error. A small fiducial
registration error does not mean a small error at the target: the two are uncorrelated, and only the second one
enters a margin.
"""

"""Linear models over tables and gene expression: learned with scikit-learn, served by numpy alone."""

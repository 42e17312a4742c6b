"""`lake`, the operator's command: AWS's APIs and nothing else, whether they answer on AWS or on a laptop."""

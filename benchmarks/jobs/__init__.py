"""What is measured: one small file for each job, with a JOB in it (measure.Job)."""

"""Services of the application. Pages, terminal and notebook call nothing else."""

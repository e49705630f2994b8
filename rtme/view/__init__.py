"""Everything a person looks at; reads events and nothing else."""

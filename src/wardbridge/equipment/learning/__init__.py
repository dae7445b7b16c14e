"""Knowledge in common: pages, onboarding, cross-training, competence."""

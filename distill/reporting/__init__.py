"""The evidence for people: report, model card, tables, plots."""

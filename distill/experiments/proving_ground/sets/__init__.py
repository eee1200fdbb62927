"""The proving ground's sets, a module a source; `catalogue` lists them."""

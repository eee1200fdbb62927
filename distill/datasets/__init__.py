"""Where rows come from: files, named public sets, and what makes them fit to learn from."""

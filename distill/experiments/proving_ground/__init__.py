"""The proving ground: recipes of ten lines over public sets, by which every change of a default is judged."""

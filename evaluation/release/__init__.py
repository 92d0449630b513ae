"""The release suite: models measured on several data sets, with limits that a model must keep to be released.

- `suite`: the data sets, what is measured on each, and the limits, as a table.
- `measure`: the measures of every model on every set.
- `verdict`: the measures against the limits, and against those of an older model.
- `report`: all of it as a JSON document, and as Markdown.
"""

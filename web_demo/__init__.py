"""The page that mattes in a browser, and the server that gives it the headers its threads need (`mmnet web`)."""

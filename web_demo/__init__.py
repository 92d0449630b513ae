"""The web demo: a page that mattes in the browser, and the server of `mmnet web`.

The page itself (`site/`) is HTML and JavaScript and runs the model in the browser with LiteRT.js (`litert/`). Python
only serves it: `content.build` collects the files of the page, `server.WebServer` serves them from memory with the HTTP
headers that threads in a browser need.
"""

if __name__ != "mmnet.web":
    raise ImportError("import mmnet.web: this folder is a package of mmnet")

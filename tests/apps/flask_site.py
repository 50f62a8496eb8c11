# SPDX-License-Identifier: Apache-2.0
"""A Flask site: forms, files, sessions, streams, errors."""
import hashlib
import io

from flask import Flask, Response, abort, jsonify, redirect, request, send_file, session, stream_with_context, url_for

app = application = Flask(__name__)
app.secret_key = "for tests only"


@app.route("/")
def index():
    return "flask index"


@app.route("/user/<name>")
def user(name):
    return jsonify(name=name, agent=request.headers.get("User-Agent"), query=request.args.to_dict())


@app.route("/upload", methods=["POST"])
def upload():
    file = request.files["file"]
    content = file.read()
    return jsonify(name=file.filename, size=len(content), sha=hashlib.sha256(content).hexdigest(), note=request.form.get("note"))


@app.route("/raw", methods=["POST", "PUT"])
def raw():
    content = request.get_data()
    return jsonify(size=len(content), sha=hashlib.sha256(content).hexdigest())


@app.route("/json", methods=["POST"])
def json_echo():
    return jsonify(request.get_json())


@app.route("/download/<int:size>")
def download(size):
    return send_file(io.BytesIO(bytes(i % 251 for i in range(size))), mimetype="application/octet-stream", as_attachment=True,
                     download_name="data.bin")


@app.route("/self")
def own_source():
    return send_file(__file__, mimetype="text/x-python", conditional=True)


@app.route("/stream/<int:count>")
def stream(count):
    def lines():
        for number in range(count):
            yield f"line {number} of {request.path}\n"

    return Response(stream_with_context(lines()), mimetype="text/plain")


@app.route("/login", methods=["POST"])
def login():
    session["user"] = request.form["user"]
    return redirect(url_for("whoami"))


@app.route("/whoami")
def whoami():
    if "user" not in session:
        abort(401)
    return session["user"]


@app.route("/logout")
def logout():
    session.clear()
    return "out"


@app.route("/boom")
def boom():
    raise RuntimeError("boom")


@app.route("/where")
def where():
    return jsonify(url=request.url, root=request.script_root, path=request.path, scheme=request.scheme, remote=request.remote_addr)

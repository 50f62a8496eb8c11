# SPDX-License-Identifier: Apache-2.0
"""A small Flask site: a route with a parameter and a JSON answer."""
from flask import Flask, jsonify

app = Flask(__name__)


@app.route("/")
def index():
    return "Hello World"


@app.route("/user/<int:number>")
def user(number):
    return jsonify(id=number, name="somebody")

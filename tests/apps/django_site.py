# SPDX-License-Identifier: Apache-2.0
"""A Django site in one file: forms with CSRF, files, sessions in signed cookies, streams."""
import hashlib
import sys

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

# Django imports the URLs by the name of a module; the server gives a file a name of its own.
sys.modules.setdefault("django_site", sys.modules[__name__])

settings.configure(
    DEBUG=False, SECRET_KEY="for tests only", ROOT_URLCONF="django_site", ALLOWED_HOSTS=["*"], USE_TZ=True,
    INSTALLED_APPS=["django.contrib.sessions"], SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware"])
django.setup()


def index(request):
    return HttpResponse("django index")


def token(request):
    return HttpResponse(get_token(request))


def form(request):
    return JsonResponse({"field": request.POST.get("field")})


@csrf_exempt
def upload(request):
    file = request.FILES["file"]
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return JsonResponse({"name": file.name, "size": file.size, "sha": digest.hexdigest()})


def download(request):
    return FileResponse(open(__file__, "rb"), as_attachment=True, filename="source.py")


def stream(request, count):
    return StreamingHttpResponse(f"line {number}\n" for number in range(count))


@csrf_exempt
def login(request):
    request.session["user"] = request.POST["user"]
    return HttpResponse("in")


def whoami(request):
    if "user" not in request.session:
        raise Http404
    return HttpResponse(request.session["user"])


def boom(request):
    raise RuntimeError("boom")


def where(request):
    return JsonResponse({"url": request.build_absolute_uri(), "path": request.path, "secure": request.is_secure()})


urlpatterns = [
    path("", index), path("token", token), path("form", form), path("upload", upload), path("download", download),
    path("stream/<int:count>", stream), path("login", login), path("whoami", whoami), path("boom", boom), path("where", where),
]
application = get_wsgi_application()

"""Django Ninja on Django's ORM with its connection pool, served by gunicorn's threads."""

import os
import uuid
from datetime import datetime

import django
import jwt
from django.core.handlers.wsgi import WSGIHandler
from django.db import models
from django.shortcuts import get_object_or_404
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.ninja_settings")
django.setup()

from ninja import Field, NinjaAPI, Schema
from ninja.errors import HttpError
from ninja.security import HttpBearer


class Task(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user_id = models.TextField(db_index=True)
    title = models.CharField(max_length=255)
    description = models.TextField(null=True)
    completed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "bench"
        db_table = "tasks"
        managed = False


class TaskIn(Schema):
    title: str = Field(min_length=1, max_length=255)
    description: str | None = Field(None, max_length=10_000)
    completed: bool = False


class TaskOut(Schema):
    id: uuid.UUID
    user_id: str
    title: str
    description: str | None
    completed: bool
    created_at: datetime
    updated_at: datetime


class Bearer(HttpBearer):
    def authenticate(self, request, token):
        try:
            claims = jwt.decode(token, os.environ["JWT_SECRET"], algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return None
        if claims["sub"] != request.resolver_match.kwargs["user_id"]:
            raise HttpError(403, "Not enough permissions")
        return claims["sub"]


api = NinjaAPI(auth=Bearer())


@api.get("/{user_id}/tasks", response=list[TaskOut])
def read_tasks(request, user_id: str, limit: int = 100, offset: int = 0):
    return Task.objects.filter(user_id=user_id).order_by("-created_at")[offset : offset + limit]


@api.post("/{user_id}/tasks", response={201: TaskOut})
def create_task(request, user_id: str, task: TaskIn):
    return 201, Task.objects.create(user_id=user_id, **task.dict())


@api.get("/{user_id}/tasks/{id}", response=TaskOut)
def read_task(request, user_id: str, id: uuid.UUID):
    return get_object_or_404(Task, id=id, user_id=user_id)


@api.put("/{user_id}/tasks/{id}", response=TaskOut)
def update_task(request, user_id: str, id: uuid.UUID, task: TaskIn):
    found = get_object_or_404(Task, id=id, user_id=user_id)
    for name, value in task.dict(exclude_unset=True).items():
        setattr(found, name, value)
    found.save()
    return found


@api.patch("/{user_id}/tasks/{id}/complete", response=TaskOut)
def complete_task(request, user_id: str, id: uuid.UUID):
    found = get_object_or_404(Task, id=id, user_id=user_id)
    found.completed = not found.completed
    found.save()
    return found


@api.delete("/{user_id}/tasks/{id}", response={204: None})
def delete_task(request, user_id: str, id: uuid.UUID):
    get_object_or_404(Task, id=id, user_id=user_id).delete()
    return 204, None


urlpatterns = [path("api/", api.urls)]
app = WSGIHandler()

#!/bin/sh
# Refuse a commit whose subject is longer than 72 characters. Run by pre-commit with the file of the message.
subject=$(head -n 1 "$1")
[ "$(printf %s "$subject" | wc -m)" -le 72 ] || {
    echo "the subject has more than 72 characters: $subject" >&2
    exit 1
}

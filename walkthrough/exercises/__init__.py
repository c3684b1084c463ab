"""Exercises: functions to fill in, a file a chapter, and a command that checks them.

    python -m walkthrough.exercises            what there is, and what is done
    python -m walkthrough.exercises 1          what there is in chapter 1
    python -m walkthrough.exercises 1.3        check exercise 1.3
    python -m walkthrough.exercises 2.a 9      check an answer to question a of chapter 2

Run it in the folder that holds README.md. The functions to fill in are in chapter_0.py to
chapter_4.py. Each says what it must return, with an example and a hint. `checks` compares what
you write with the plain functions of sbnn_np, on small integers. `questions` computes the
answers to the questions at the end of the chapters. When you are stuck for good, `solutions`
has one file a chapter as well.
"""

"""What is behind the chapters. Read in this order:

    experiment     one run: a recipe goes in, a row of the results table comes out
    options        what a chapter is told by its command line, and the data it opens
    timing         what a training step costs
    recipes        what the chapters train, as the sweeps chose it
    sources        which sources decide a result: the digest that every result carries
    definitions    what a file of ours defines and imports
    models         trained and frozen networks, kept in the user's cache
    chip_programs  compiles networks for chips, with the C files in the folder chips
    chips          runs them on simulated chips
    m0_cycles      cycles of a Cortex-M0, from the trace of its instructions
    chip_study     what chapter 5 measures
    chip_networks  which networks are tried for chips, and what they take there
    curves         what chapter 4 trains, one task a run
    tables         one way to make tables, for all reports
    report         results as text, with report_bits, report_curves and report_chips;
                   rewrite puts them into the READMEs again
    csv_of_results all runs as data, a row each; result_columns says what the columns mean
    plots          what all figures share; each is drawn from JSON in plots_training,
                   plots_convolution, plots_bits, plots_curves or plots_chips, and again by redraw
    teaching       small examples that chapter 1 explains itself with; plots_teaching draws them
    front          trains the network that the picture of the front page shows
    jobs           many runs, here or by any executor, whose workers start with worker
    sweep          one part of a sweep; all of them are in sweep_1, sweep_2, sweep_4 and
                   sweep_5
    trials         the same search of rates and settings for every way to a network; ideas beside
                   it are in variants, and report_trials says what they were worth
    growing        why growing from a nearly-empty start failed, and what mended it; watch
                   measures gradients and flips, plots_mends draws them
    reproduce      is a committed result still what the sources give?
"""

import os

# figures are rendered to bytes; Jupyter names a backend that is often not installed here, and
# matplotlib would refuse to be imported
os.environ["MPLBACKEND"] = "agg"

"""How well intervals were found: matching rules, spotting and recognition metrics, interval tables. numpy only."""
